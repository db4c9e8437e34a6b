/** A small vocabulary for checking message contents; its shapes double as TypeScript types. */

/** One field of a message's content. */
export interface Field<Value> {
  readonly is: (value: unknown) => value is Value;
  /** Completes the sentence "should be …". */
  readonly expected: string;
  readonly optional: boolean;
  readonly fallback?: unknown;
}

/** The fields of one message type. Fields not named are ignored, as the protocol asks. */
export type Shape = Readonly<Record<string, Field<unknown>>>;

/** The TypeScript type of what a shape accepts. */
export type ShapeOf<S extends Shape> = {
  readonly [Name in keyof S]: S[Name] extends Field<infer Value> ? Value : never;
};

const field = <Value>(is: (value: unknown) => value is Value, expected: string): Field<Value> => ({
  is,
  expected,
  optional: false,
});

export const text = field((value): value is string => typeof value === "string", "a string");
export const flag = field((value): value is boolean => typeof value === "boolean", "true or false");
export const integer = field((value): value is number => Number.isSafeInteger(value), "an integer");
export const anything = field((value): value is unknown => value !== undefined, "present");
export const record = field(
  (value): value is Readonly<Record<string, unknown>> =>
    typeof value === "object" && value !== null && !Array.isArray(value),
  "an object",
);

/** One of a few strings. */
export function oneOf<const Value extends string>(...values: Value[]): Field<Value> {
  const is = (value: unknown): value is Value => values.some((allowed) => allowed === value);
  return field(is, values.map((value) => `"${value}"`).join(" or "));
}

/** An array whose members all fit. */
export function list<Value>(member: Field<Value>): Field<readonly Value[]> {
  const is = (value: unknown): value is readonly Value[] => Array.isArray(value) && value.every(member.is);
  return field(is, `a list whose members are each ${member.expected}`);
}

/** A field that may be left out, or null; it then has the fallback's value. */
export function optional<Value, Fallback extends Value | null>(
  of: Field<Value>,
  fallback: Fallback,
): Field<null extends Fallback ? Value | null : Value> {
  return { ...of, optional: true, fallback } as Field<null extends Fallback ? Value | null : Value>;
}

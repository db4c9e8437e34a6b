/** Signs messages with HMAC-SHA256, as every Jupyter connection does. */
import { createHmac, timingSafeEqual } from "node:crypto";

/** Hexadecimal signature of the four parts of a message; empty when the connection has no key. */
export function sign(key: string, parts: readonly Uint8Array[]): string {
  if (key === "") return "";
  const hmac = createHmac("sha256", key);
  for (const part of parts) hmac.update(part);
  return hmac.digest("hex");
}

/** Whether the signature belongs to these parts. Takes the same time wherever the two differ. */
export function verify(key: string, signature: Uint8Array, parts: readonly Uint8Array[]): boolean {
  if (key === "") return true;
  const expected = Buffer.from(sign(key, parts), "latin1");
  return signature.length === expected.length && timingSafeEqual(signature, expected);
}

/** Keeps the sessions that were used last, and releases the others. */
import type { Session } from "./session.js";

/** A bounded store of sessions by key. */
export interface SessionCache {
  /** The session of `key`, made on first use. Valid until `capacity` other keys were asked for. */
  get(key: string, make: () => Session): Session;
  /** Number of live sessions. */
  readonly size: number;
  /** Releases all sessions; the cache can be used again. */
  dispose(): void;
}

/**
 * Makes a cache that holds at most `capacity` sessions.
 *
 * Each session has its own copy of the weights, so the least recently used one is released first.
 */
export function sessionCache(capacity: number): SessionCache {
  const sessions = new Map<string, Session>();
  return {
    get(key, make) {
      const known = sessions.get(key);
      if (known) {
        sessions.delete(key);
        sessions.set(key, known);
        return known;
      }
      const session = make();
      sessions.set(key, session);
      for (const [oldest, stale] of sessions) {
        if (sessions.size <= capacity) break;
        sessions.delete(oldest);
        stale.dispose();
      }
      return session;
    },
    get size() {
      return sessions.size;
    },
    dispose() {
      for (const session of sessions.values()) session.dispose();
      sessions.clear();
    },
  };
}

export { type SessionCache, sessionCache } from "./cache.js";
export { createSession, defaultThreads, type Session, type SessionOptions, type Tensors } from "./session.js";
export { sayValue, type ValueDescription } from "./value.js";

/** The worker thread that runs sessions for a host whose event loop must stay live. */
import { type MessagePort, workerData } from "node:worker_threads";
import { announceRuns, GATE } from "./gate.js";
import { createSession, type Session } from "./session.js";
import { type Created, memoryOf, plainError, type Reply, type Request } from "./worker-messages.js";

const { port, memory } = workerData as { readonly port: MessagePort; readonly memory: Int32Array };
const sessions = new Map<number, Session>();

announceRuns(memory);
port.on("message", (request: Request) => {
  let reply: Reply;
  let given: ArrayBuffer[] = [];
  try {
    const value = answer(request);
    if (request.kind === "run") given = memoryOf(value as Parameters<typeof memoryOf>[0]);
    reply = { id: request.id, value };
  } catch (error) {
    reply = { id: request.id, error: plainError(error) };
  }
  port.postMessage(reply, given);
  Atomics.add(memory, GATE.replies, 1);
  Atomics.notify(memory, GATE.replies);
});

Atomics.store(memory, GATE.ready, 1);
Atomics.notify(memory, GATE.ready);

function answer(request: Request): unknown {
  if (request.kind === "create") {
    const session = createSession(request.model, request.options);
    sessions.set(request.session, session);
    return { inputs: session.inputs, outputs: session.outputs } satisfies Created;
  }
  const session = sessions.get(request.session)!;
  if (request.kind === "run") return session.runSync(request.feeds, request.outputs);
  if (request.kind === "hold") session.hold(request.feeds);
  else {
    session.dispose();
    sessions.delete(request.session);
  }
  return undefined;
}

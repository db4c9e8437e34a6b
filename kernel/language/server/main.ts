/** The language server process: answers the supervisor's questions about code, one after another. */
import { isComplete } from "../completeness.js";
import type { Answer, Question } from "../service.js";
import { checkCell } from "./check.js";
import { Compiler } from "./compiler.js";
import { completeCell } from "./complete.js";
import { inspectCell } from "./inspect.js";
import { Workspace } from "./workspace.js";

const folder = process.argv[2] ?? process.cwd();
let workspace = new Workspace(folder);
let compiler = new Compiler(folder, workspace);

async function answer(question: Question): Promise<unknown> {
  switch (question.ask) {
    case "isComplete":
      return isComplete(question.code);
    case "complete":
      return await completeCell(question.code, question.cursor, question.globals, compiler, workspace);
    case "inspect":
      return await inspectCell(question.code, question.cursor, question.detail, compiler, workspace);
    case "check":
      return await checkCell(question.code, compiler, workspace);
    case "commit":
      await compiler.refresh(workspace.commit(question.code));
      return null;
    case "reset":
      await compiler.dispose();
      workspace = new Workspace(folder);
      compiler = new Compiler(folder, workspace);
      await compiler.refresh();
      return null;
  }
}

/** The snapshot is shared, so questions take turns; those that need no compiler do not wait. */
let last: Promise<void> = compiler.refresh().catch(() => {});

function take(question: Question): void {
  const reply = async (): Promise<void> => {
    let message: Answer;
    try {
      message = { id: question.id, result: await answer(question) };
    } catch (error) {
      message = { id: question.id, error: String(error) };
    }
    process.send?.(message);
  };
  if (question.ask === "isComplete") void reply();
  else last = last.then(reply);
}

process.on("message", (message) => take(message as Question));
process.on("disconnect", () => process.exit(0));
// A front end's interrupt goes to the whole process group; this process has nothing to interrupt.
process.on("SIGINT", () => {});

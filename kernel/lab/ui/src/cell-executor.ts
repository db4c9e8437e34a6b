/** Runs the cells of notebooks, as JupyterLab does, once the notebook has a kernel to run them. */
import type { JupyterFrontEndPlugin } from "@jupyterlab/application";
import { INotebookCellExecutor, runCell } from "@jupyterlab/notebook";

/** Stands in for the plugin of the same name in JupyterLab's notebook extension. */
export const cellExecutor: JupyterFrontEndPlugin<INotebookCellExecutor> = {
  id: "assay:cell-executor",
  description: "Runs cells of notebooks, those too that are run before the kernel has started.",
  autoStart: true,
  provides: INotebookCellExecutor,
  activate: () =>
    Object.freeze({
      async runCell(options: INotebookCellExecutor.IRunCellOptions): Promise<boolean> {
        const { cell, sessionContext } = options;
        // A new notebook says that its kernel is idle before it has asked for one. JupyterLab gives a cell that is run
        // before the answer has come back unrun and without a word.
        if (cell.model.type === "code" && sessionContext && !sessionContext.isReady) {
          await Promise.race([sessionContext.ready, sessionContext.initialize()]);
        }
        return runCell(options);
      },
    }),
};

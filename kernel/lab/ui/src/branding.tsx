/** Our own name and logo in place of JupyterLab's, and an About that says what belongs to whom. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { Dialog, ICommandPalette, showDialog } from "@jupyterlab/apputils";
import { PageConfig } from "@jupyterlab/coreutils";
import { IMainMenu } from "@jupyterlab/mainmenu";
import { LabIcon } from "@jupyterlab/ui-components";
import { Widget } from "@lumino/widgets";
import svgstr from "./logo.svg";

const icon = new LabIcon({ name: "assay:logo", svgstr });

/** The mark at the left of the menu bar. */
export const logo: JupyterFrontEndPlugin<void> = {
  id: "assay:logo",
  description: "Shows Assay's mark beside the menus.",
  autoStart: true,
  activate: (app: JupyterFrontEnd) => {
    const mark = new Widget();
    icon.element({
      container: mark.node,
      elementPosition: "center",
      margin: "2px 2px 2px 8px",
      height: "auto",
      width: "18px",
    });
    mark.id = "jp-MainLogo";
    app.shell.add(mark, "top", { rank: 0 });
  },
};

const text = (
  <div className="assay-About">
    <p>
      A TypeScript notebook kernel and library for auditing models: specifications, probes, Gaussian scores
      and trigger extraction, with honest statistics. MIT licence.
    </p>
    <p>
      The notebook interface is built from the open-source JupyterLab packages (
      {PageConfig.getOption("jupyterlab")}
      ), BSD-3-Clause, © Project Jupyter Contributors. Assay is not affiliated with Project Jupyter. The
      licences of everything in the interface are under Help, Licenses.
    </p>
  </div>
);

/** Help, About Assay. */
export const about: JupyterFrontEndPlugin<void> = {
  id: "assay:about",
  description: "Says what Assay is and whose work it stands on.",
  autoStart: true,
  optional: [ICommandPalette, IMainMenu],
  activate: (app: JupyterFrontEnd, palette: ICommandPalette | null, menus: IMainMenu | null) => {
    const command = "help:about";
    app.commands.addCommand(command, {
      label: "About Assay",
      execute: () =>
        showDialog({
          title: `Assay ${app.version}`,
          body: text,
          buttons: [Dialog.cancelButton({ label: "Close" })],
        }),
    });
    palette?.addItem({ command, category: "Help" });
    menus?.helpMenu.addGroup([{ command }], 0);
  },
};

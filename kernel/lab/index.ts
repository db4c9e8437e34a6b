/** The lab: notebooks in the browser without Python. */
export { type Lab, type LabOptions, startLab } from "./lab.js";
export { userFolder } from "./user-folder.js";

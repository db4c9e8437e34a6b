/** Trigger extraction: search, calibration against clean models, verification. */
export { type Calibration, calibrate } from "./calibration.js";
export { madFalseAlarmRate, madIndex } from "./mad-index.js";

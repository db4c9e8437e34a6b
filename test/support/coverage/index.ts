/** Every interval that the library prints, with the grid on which its coverage is measured. */
import { forecasts } from "./forecasts.js";
import { groups } from "./groups.js";
import { others } from "./others.js";
import { proportions } from "./proportions.js";
import type { CoverageSubject } from "./subject.js";

export { type Coverage, type CoverageSubject, coverageOf } from "./subject.js";

export const coverageSubjects = (): CoverageSubject[] => [
  ...proportions,
  ...groups,
  ...forecasts(),
  ...others,
];

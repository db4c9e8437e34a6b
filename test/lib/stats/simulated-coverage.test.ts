import assert from "node:assert/strict";
import { forecasts } from "../../support/coverage/forecasts.js";
import { groups } from "../../support/coverage/groups.js";
import { type CoverageSubject, coverageOf } from "../../support/coverage/index.js";
import { others } from "../../support/coverage/others.js";

/** Draws per point; `npm run bench -- coverage` takes ten times as many, at more points. */
const DRAWS = 200;

/** The mean over the grid lies in its range, and no point below the worst that the docstring admits, less noise. */
function check(subjects: readonly CoverageSubject[]): void {
  for (const subject of subjects) {
    it(subject.name, () => {
      const { mean, worst, worstAt } = coverageOf(subject, DRAWS, false);
      const deviation = Math.sqrt((0.05 * 0.95) / (DRAWS * (subject.share ?? 1)));
      assert.ok(mean >= subject.mean[0] - deviation / 2, `mean coverage ${mean}`);
      assert.ok(mean <= subject.mean[1] + deviation / 2, `mean coverage ${mean}`);
      assert.ok(worst >= subject.worst - 3.5 * deviation, `worst coverage ${worst} (${worstAt})`);
    });
  }
}

describe("stats: simulated coverage of 95 % intervals of two groups", function () {
  this.timeout(120_000);
  check(groups);
});

describe("stats: simulated coverage of 95 % intervals of forecasts", function () {
  this.timeout(120_000);
  check(forecasts());
});

describe("stats: simulated coverage of 95 % intervals of means, agreement and thresholds", function () {
  this.timeout(120_000);
  check(others);
});

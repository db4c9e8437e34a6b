/** The empirical scoreboard: methods scored on pools of models with sealed labels. */
export { noStore, type ScoreStore, scoreStore } from "./score-store.js";
export { isReached, type Track, type TrackOptions, type TrackReport, type TrackRow } from "./track.js";
export { tracks } from "./tracks.js";

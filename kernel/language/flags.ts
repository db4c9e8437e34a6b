/** Flags of Node that a process which runs cells must be started with. */
export const sessionFlags: readonly string[] = [
  // Local modules are linked by us, so that an edited file is seen on the next import.
  "--experimental-vm-modules",
  "--disable-warning=ExperimentalWarning",
];

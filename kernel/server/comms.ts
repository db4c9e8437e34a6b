/** The comms that are open, so that comm_info is answered while a cell runs. */
export class CommRegistry {
  #open = new Map<string, string>();

  opened(id: string, target: string): void {
    this.#open.set(id, target);
  }

  closed(id: string): void {
    this.#open.delete(id);
  }

  clear(): void {
    this.#open.clear();
  }

  /** Open comms as comm_info_reply lists them; an empty target asks for all. */
  list(target: string): Record<string, { target_name: string }> {
    const chosen = [...this.#open].filter(([, name]) => target === "" || name === target);
    return Object.fromEntries(chosen.map(([id, name]) => [id, { target_name: name }]));
  }
}

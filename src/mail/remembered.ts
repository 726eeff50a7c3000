/** What was made before, by key; of more than `most` the one made first is forgotten. */
export class Remembered<K, V> {
  readonly #made = new Map<K, V>()
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  get(key: K, make: () => V): V {
    const known = this.#made.get(key)
    if (known !== undefined) return known
    const made = make()
    if (this.#made.size >= this.#most) {
      const [oldest] = this.#made.keys()
      this.#made.delete(oldest as K)
    }
    this.#made.set(key, made)
    return made
  }
}

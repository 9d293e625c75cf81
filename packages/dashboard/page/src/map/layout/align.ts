/** Something in a column: where it would like its middle to be, and its height with the room around it. */
export interface Aligned {
  readonly wanted: number
  readonly height: number
}

/**
 * Returns the middles of things in a column, in their order and without overlaps, as near as possible to where they want to
 * be: the sum of the squared distances is the least (pool adjacent violators).
 */
export function align(items: readonly Aligned[]): readonly number[] {
  // Without the heights of what is above, the order is all that matters.
  const offsets: number[] = []
  let offset = 0
  for (const [at, { height }] of items.entries()) {
    if (at > 0) offset += ((items[at - 1]?.height ?? 0) + height) / 2
    offsets.push(offset)
  }
  const blocks: { sum: number; count: number }[] = []
  for (const [at, { wanted }] of items.entries()) {
    let block = { sum: wanted - (offsets[at] ?? 0), count: 1 }
    let last = blocks.at(-1)
    while (last !== undefined && last.sum / last.count >= block.sum / block.count) {
      block = { sum: block.sum + last.sum, count: block.count + last.count }
      blocks.pop()
      last = blocks.at(-1)
    }
    blocks.push(block)
  }
  const middles = blocks.flatMap(({ sum, count }) => new Array<number>(count).fill(sum / count))
  return middles.map((middle, at) => middle + (offsets[at] ?? 0))
}

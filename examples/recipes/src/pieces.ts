// Reads something large piece by piece. Each piece is a call, so that each has its timeout, its retries and its permit.

/** A piece, and where the next one begins: undefined after the last one. */
export interface Piece<T, P> {
  readonly value: T
  readonly next: P | undefined
}

/**
 * Reads from a position to the end.
 *
 * It resumes by itself: after a failure, a retry reads the same piece again, and no earlier one. One piece is in memory,
 * and the next one is requested when the reader asks for it.
 *
 * @param first the position of the first piece
 * @param read reads one piece, inside a shield
 */
export async function* pieces<T, P>(
  first: P,
  read: (position: P) => Promise<Piece<T, P>>,
): AsyncGenerator<T, void, undefined> {
  for (let position: P | undefined = first; position !== undefined; ) {
    const piece: Piece<T, P> = await read(position)
    yield piece.value
    position = piece.next
  }
}

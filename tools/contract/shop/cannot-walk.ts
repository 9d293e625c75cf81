/** Why a walk cannot be made at all, in words for whoever started it. */
export class CannotWalk extends Error {
  override readonly name = 'CannotWalk'
}

/** The check cannot run at all. The message is for the user of the command. */
export class CannotWalk extends Error {
  override readonly name = 'CannotWalk'
}

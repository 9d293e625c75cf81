import { ReturnArgument } from '../errors/return-argument.ts'

/** Adds a private field to objects of the runtime: requests, responses, sockets. */
class HiddenState extends ReturnArgument {
  #state: object

  constructor(object: object, state: object) {
    super(object)
    this.#state = state
  }

  static of(object: object): object | undefined {
    return #state in object ? object.#state : undefined
  }

  static set(object: object, state: object): void {
    if (#state in object) object.#state = state
    else new HiddenState(object, state)
  }
}

/** A kind of object, and the state that is kept with each of them. */
interface Hidden<Holder extends object, State extends object> {
  of(holder: Holder): State | undefined
  set(holder: Holder, state: State): void
}

/**
 * Returns access to the state of objects of one kind.
 *
 * An object has one state: all kinds share one class, because a field of a class that a function makes can cost twice as
 * much.
 */
export function hidden<Holder extends object, State extends object>(): Hidden<Holder, State> {
  return HiddenState as unknown as Hidden<Holder, State>
}

// Its constructor creates nothing: it returns its argument.
const ReturnArgument = function returnArgument(object: object): object {
  return object
} as unknown as new (
  object: object,
) => object

/**
 * Adds a private field to objects of the runtime: requests, responses, sockets. See decision 0004.
 *
 * Other code cannot see it: not as a key, in JSON, in `inspect` or through a proxy. Two installed copies of escudo do not
 * share it. It costs as much as a property, and is collected with its object. The entries of a `WeakMap` would survive
 * to the next full collection, and make every collection before it slower.
 */
class HiddenState extends ReturnArgument {
  #state: object | undefined

  static of(object: object): object | undefined {
    return #state in object ? object.#state : undefined
  }

  static set(object: object, state: object): void {
    const holder = #state in object ? object : new HiddenState(object)
    holder.#state = state
  }
}

/** A kind of object, and the state that is kept with each of them. */
interface Hidden<Holder extends object, State extends object> {
  of(holder: Holder): State | undefined
  set(holder: Holder, state: State): void
}

/** The state of objects of one kind. An object has only one state. */
export function hidden<Holder extends object, State extends object>(): Hidden<Holder, State> {
  return HiddenState as unknown as Hidden<Holder, State>
}

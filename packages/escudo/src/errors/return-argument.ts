/**
 * A base class whose constructor creates nothing: it returns its argument.
 *
 * A derived class adds its private fields to the object that its base constructor returns, so `new Derived(object)` adds
 * them to that object. Other code cannot see such a field: not as a key, in JSON, in `inspect` or through a proxy. Two
 * installed copies of escudo do not share it. It costs as much as a property, and is collected with its object. An entry
 * of a `WeakMap` costs more than an error, survives to the next full collection, and makes every collection before it
 * slower. See decision 0004.
 */
export const ReturnArgument = function returnArgument(object: object): object {
  return object
} as unknown as new (
  object: object,
) => object

/**
 * Returns a module of Node; undefined if the runtime has none.
 *
 * Looked up at run time, so that the library also loads where the module does not exist.
 */
export function builtinModule<Module>(id: `node:${string}`): Module | undefined {
  const host = globalThis as { process?: { getBuiltinModule?: (id: string) => unknown } }
  return host.process?.getBuiltinModule?.(id) as Module | undefined
}

/**
 * Returns Node's HTTP module, when it is used first.
 *
 * An `import` of it reads each of its exports, also those that Node loads on demand, such as WebSocket: 20 ms for
 * nothing at the start of a service.
 */
export function nodeHttp(): typeof import('node:http') {
  return process.getBuiltinModule('node:http')
}

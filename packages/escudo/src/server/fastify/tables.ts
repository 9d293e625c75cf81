import type { Server } from 'node:http'
import type { FastifyInstance, HTTPMethods } from 'fastify'
import type { MethodLookup } from '../not-found.ts'

/** Finds the methods that a path has routes for. Fastify has no 405: it answers 404 for a wrong method. */
export function methodLookup(app: FastifyInstance): MethodLookup {
  const find = (method: string, path: string): { readonly params?: object } | null => {
    try {
      return app.findRoute({ method: method as HTTPMethods, url: path })
    } catch {
      return null
    }
  }
  // Fastify accepts no further methods after its start, and makes the list anew for each reader.
  let supported: readonly string[] | undefined
  return (path) => {
    const methods: string[] = []
    let exists = false
    supported ??= app.supportedMethods
    for (const method of supported) {
      const route = find(method, path)
      if (route === null) continue
      methods.push(method)
      // A wildcard for OPTIONS answers every path, as that of the CORS plugin does. It does not make a path exist.
      exists ||= method !== 'OPTIONS' || !Object.hasOwn(route.params ?? {}, '*')
    }
    return exists ? methods : []
  }
}

/** The second server of a `localhost` with two addresses. Fastify exposes only the first one. */
export function additionalServers(app: FastifyInstance): readonly Server[] {
  const key = Object.getOwnPropertySymbols(app).find(({ description }) => description === 'fastify.serverBindings')
  const servers = key === undefined ? [] : (app as unknown as Record<symbol, unknown>)[key]
  return Array.isArray(servers) ? (servers as Server[]) : []
}

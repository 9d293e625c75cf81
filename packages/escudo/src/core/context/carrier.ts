/**
 * The headers of a message: of a queue, a job, gRPC metadata or a worker message.
 *
 * Names are matched in any case. A value may be text, bytes (as Kafka sends them) or a list, of which the first one
 * counts. A `Headers`, a `Map` and gRPC `Metadata` work too: anything with a method `get`.
 */
export type Carrier = Readonly<Record<string, unknown>> | { get(name: string): unknown }

/** Reads one header of a carrier as text. A carrier comes from outside: nothing that it does may throw here. */
export function carrierHeader(carrier: Carrier | undefined, name: string): string | undefined {
  if (carrier === undefined || carrier === null) return undefined
  try {
    const value = rawHeader(carrier, name)
    const first: unknown = Array.isArray(value) ? value[0] : value
    return first instanceof Uint8Array ? new TextDecoder().decode(first) : asText(first)
  } catch {
    return undefined
  }
}

function rawHeader(carrier: Carrier, name: string): unknown {
  // The `get` of a Map distinguishes case.
  if (typeof carrier['get'] === 'function' && !(carrier instanceof Map)) {
    return (carrier as { get(name: string): unknown }).get(name)
  }
  const entries: Iterable<readonly [unknown, unknown]> = carrier instanceof Map ? carrier : Object.entries(carrier)
  for (const [key, value] of entries) if (String(key).toLowerCase() === name) return value
  return undefined
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

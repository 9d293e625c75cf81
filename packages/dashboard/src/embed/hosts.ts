const NAME = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/
const ADDRESS = /^(?:\[[0-9a-f:.]+\]|\d{1,3}(?:\.\d{1,3}){3})$/

/**
 * Reads the option `hosts`: names without ports.
 *
 * @throws TypeError for anything else
 */
export function hostNames(names: readonly string[] = []): ReadonlySet<string> {
  if (!Array.isArray(names))
    throw new TypeError('dashboardRoutes.hosts: expected a list of names, such as ["ops.example.com"]')
  return new Set(
    (names as readonly unknown[]).map((name) => {
      const text = String(name).toLowerCase()
      if (!NAME.test(text))
        throw new TypeError(`dashboardRoutes.hosts: expected a name without a port, got ${JSON.stringify(name)}`)
      return text
    }),
  )
}

/** Whether a `Host` header has one of the names, with any port. The name of an address is the address: it is known. */
export function isKnownHost(header: string | undefined, names: ReadonlySet<string>): boolean {
  const name = (header ?? '')
    .toLowerCase()
    .replace(/:\d{1,5}$/, '')
    .replace(/\.$/, '')
  return name === 'localhost' || name.endsWith('.localhost') || ADDRESS.test(name) || names.has(name)
}

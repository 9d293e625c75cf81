/**
 * Returns the Host headers of requests to a loopback port.
 *
 * Checking them prevents DNS rebinding: another site can reach a loopback server through a host name that resolves to
 * 127.0.0.1. The Host header then contains that name.
 */
export function loopbackHosts(port: number): ReadonlySet<string> {
  const names = ['localhost', '127.0.0.1', '[::1]']
  // Clients omit the default port from the Host header.
  return new Set(names.flatMap((name) => (port === 80 ? [name, `${name}:80`] : [`${name}:${port}`])))
}

/** Returns the CSS class of a status. */
export function classOf(status: number | undefined): 'good' | 'client' | 'server' | 'none' {
  if (status === undefined) return 'none'
  if (status >= 500) return 'server'
  return status >= 400 ? 'client' : 'good'
}

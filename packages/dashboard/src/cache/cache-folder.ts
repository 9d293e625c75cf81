import { homedir } from 'node:os'
import { join } from 'node:path'

const NAME = 'escudo-dashboard'

/** Returns the folder in which caches of this user are on this system. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>>, platform: string): string {
  // The specification of XDG ignores relative paths.
  const xdg = env['XDG_CACHE_HOME']
  if (xdg?.startsWith('/') === true) return join(xdg, NAME)
  const home = env['HOME'] || homedir()
  if (platform === 'darwin') return join(home, 'Library', 'Caches', NAME)
  if (platform === 'win32') return join(env['LOCALAPPDATA'] || join(home, 'AppData', 'Local'), NAME)
  return join(home, '.cache', NAME)
}

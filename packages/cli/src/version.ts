import { readFileSync } from 'node:fs'

/** The version of this package. */
export function version(): string {
  // The same path from src/ and from dist/.
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  return manifest.version
}

import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}

/** A file of the built page. */
export interface Asset {
  readonly type: string
  readonly body: Buffer
}

/** Where the build puts the page. */
export const PAGE_FOLDER: string = fileURLToPath(new URL('../../dist', import.meta.url))

/** The files of the built page by their paths (`/` is the page itself); none where it was not built. */
export async function readAssets(folder: string): Promise<ReadonlyMap<string, Asset>> {
  const assets = new Map<string, Asset>()
  const names = await readdir(folder).catch(() => [])
  for (const name of names) {
    const type = TYPES[extname(name)]
    if (type !== undefined)
      assets.set(name === 'index.html' ? '/' : `/${name}`, { type, body: await readFile(join(folder, name)) })
  }
  return assets
}

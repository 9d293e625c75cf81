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

/** The folder with the built page, as seen from the sources and from their build. */
export const PAGE_FOLDER: string = fileURLToPath(new URL('../../dist/page', import.meta.url))

/** Reads the files of the built page by URL path (`/` is the page). Empty if the page is not built. */
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

import { stat } from 'node:fs/promises'
import { inject } from 'vitest'
import { logPath } from './logs.ts'
import { restore } from './restore.ts'
import { NAMES, type Name, type Target } from './target.ts'

// `npm run contract` checks one running shop. The setup of that run provides it here; in `npm test` there is none.

declare module 'vitest' {
  interface ProvidedContext {
    runningShop: { readonly ports: Readonly<Record<Name, number>>; readonly logFolder: string }
  }
}

/** Whether this run checks a running shop, whose settings are those of `npm start`. */
export function isRunningShop(): boolean {
  return provided() !== undefined
}

/** Returns the running shop, without faults and with closed breakers; undefined if this run starts its own. */
export async function runningShop(): Promise<Target | undefined> {
  const shop = provided()
  if (shop === undefined) return undefined
  await restore(shop)
  const sizes = NAMES.map(async (name) => [name, await sizeOf(logPath(shop.logFolder, name))] as const)
  return { ...shop, logStarts: Object.fromEntries(await Promise.all(sizes)) }
}

function provided() {
  return inject('runningShop') as ReturnType<typeof inject<'runningShop'>> | undefined
}

async function sizeOf(path: string): Promise<number> {
  return await stat(path).then(
    ({ size }) => size,
    () => 0,
  )
}

import { join } from 'node:path'
import { debianPackage } from '../../helpers/debian.ts'
import { dataFolder, freePort, Server } from './server.ts'

/** Starts an empty Redis that keeps its data over a crash; undefined where it is not installed. */
export async function redisServer(...options: readonly string[]): Promise<Server | undefined> {
  const program = await debianPackage('redis-server', 'redis-server')
  if (program === undefined) return undefined
  const args = (folder: string, port: number): readonly string[] => [
    ...['--bind', '127.0.0.1', '--port', String(port), '--dir', join(folder, 'data')],
    ...['--appendonly', 'yes', '--appendfsync', 'always', '--save', '', ...options],
  ]
  const server = new Server({ program, args }, await dataFolder(), await freePort())
  server.start()
  return server
}

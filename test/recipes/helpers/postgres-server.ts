import { execFile } from 'node:child_process'
import { chown } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { debianPackage } from '../../helpers/debian.ts'
import { dataFolder, freePort, Server } from './server.ts'

const execute = promisify(execFile)

/** Starts PostgreSQL with a new, empty database; undefined where it is not installed. */
export async function postgresServer(): Promise<Server | undefined> {
  const program = await debianPackage('postgresql', 'postgres')
  if (program === undefined) return undefined
  const folder = await dataFolder()
  const data = join(folder, 'data')
  const user = await unprivileged()
  if (user !== undefined) for (const path of [folder, data]) await chown(path, user.uid, user.gid)
  const options = ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C']
  await execute(join(dirname(program), 'initdb'), options, { ...user, cwd: folder })
  const args = (_: string, port: number): readonly string[] => [
    ...['-D', data, '-k', folder, '-p', String(port)],
    ...['-c', 'listen_addresses=127.0.0.1', '-c', 'max_connections=40'],
  ]
  const server = new Server({ program, args, ...user }, folder, await freePort())
  server.start()
  return server
}

/** PostgreSQL refuses to run as root. Its package makes the user `postgres`. */
async function unprivileged(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const id = async (option: string): Promise<number> => Number((await execute('id', [option, 'postgres'])).stdout)
  return { uid: await id('-u'), gid: await id('-g') }
}

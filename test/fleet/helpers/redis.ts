import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { debianPackage } from '../../helpers/debian.ts'

/** A Redis that a test may stop, kill and start again on the same port. It stores nothing on disk. */
export class RedisServer {
  readonly port: number
  readonly #program: string
  readonly #options: readonly string[]
  #process: ChildProcess | undefined
  #folder: string | undefined

  constructor(program: string, port: number, options: readonly string[] = []) {
    this.#program = program
    this.#options = options
    this.port = port
  }

  /** Starts it, and waits until it answers. */
  async start(): Promise<void> {
    this.#folder ??= mkdtempSync(join(tmpdir(), 'escudo-redis-'))
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
    const dir = ['--dir', this.#folder]
    this.#process = spawn(this.#program, [...args, ...dir, ...this.#options], { stdio: 'ignore' })
    const client = this.client()
    await client.ping()
    client.disconnect()
  }

  /** A client that reconnects quickly. */
  client(): Redis {
    const client = new Redis({
      host: '127.0.0.1',
      port: this.port,
      retryStrategy: () => 50,
      maxRetriesPerRequest: null,
    })
    client.on('error', () => {})
    return client
  }

  /** SIGSTOP: connections stay, and nothing answers. */
  pause(): void {
    this.#process?.kill('SIGSTOP')
  }

  resume(): void {
    this.#process?.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (child === undefined || child.exitCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  /** Ends it for good, and removes its folder. */
  async remove(): Promise<void> {
    await this.kill()
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Starts an empty Redis on a free port; undefined where it is not installed. */
export async function startRedis(...options: readonly string[]): Promise<RedisServer | undefined> {
  const program = await debianPackage('redis-server', 'redis-server')
  if (program === undefined) return undefined
  const server = new RedisServer(program, await freePort(), options)
  await server.start()
  return server
}

/**
 * A port that is free now, below those that the system gives out: a Redis that starts again needs the same one. The bus of
 * a cluster has the port 10 000 above it.
 */
async function freePort(): Promise<number> {
  while (true) {
    const port = 10_000 + Math.floor(Math.random() * 10_000)
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!isFree) continue
    await once(server.close(), 'close')
    return port
  }
}

/** Waits until a condition holds; fails after a while, which is long because the machine may be busy. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, forMs = 10_000): Promise<void> {
  const endMs = performance.now() + forMs
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`waited ${forMs} ms in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

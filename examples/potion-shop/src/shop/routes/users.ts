import { route } from 'escudo/fastify'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Bounded } from '../bounded.ts'
import { Errors } from '../catalogue.ts'

/** As long as an e-mail can be (RFC 5321): without a bound, a bounded number of them could still fill the memory. */
const EMAIL_LENGTH_MAX = 254

const NewUser = z.object({
  email: z
    .string()
    .max(EMAIL_LENGTH_MAX)
    .meta({ examples: ['ana@example.com'] }),
  nombre: z.string().meta({ examples: ['Ana'] }),
})
const documented = { tags: ['4.2'], summary: 'Register a user', response: z.object({ mensaje: z.string() }) } as const
const ANSWERS = ['EMAIL_ALREADY_EXISTS', 'INVALID_EMAIL_FORMAT', 'ALMACEN_LLENO'] as const

/** What decides how {@link userRoutes} behave. */
export interface UserSettings {
  readonly usersFailRate: number
  readonly entriesMax: number
}

/** 4.2: business rules, each with its own error, and a bug that strikes now and then. */
export function userRoutes({ usersFailRate, entriesMax }: UserSettings, random: () => number) {
  const emails = new Bounded<true>('usuarios', entriesMax)
  emails.set('test@example.com', true)

  return async (app: FastifyInstance): Promise<void> => {
    app.post(
      '/users',
      route({ ...documented, body: NewUser, errors: ANSWERS }, async ({ body }) => {
        const { email, nombre } = body
        if (emails.has(email)) throw new Errors.EMAIL_ALREADY_EXISTS({ email_conflictivo: email })
        if (!email.includes('@')) throw new Errors.INVALID_EMAIL_FORMAT()
        emails.checkRoom()
        // Drawn last, and before anything is stored: a request that failed has done nothing.
        if (random() < usersFailRate) throw new Error('simulated bug: creating the user blew up')
        emails.set(email, true)
        return { mensaje: `Usuario ${nombre} creado con email ${email}` }
      }),
    )
  }
}

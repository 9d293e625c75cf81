import { route } from 'escudo/fastify'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Errors } from '../catalogue.ts'

const NewUser = z.object({ email: z.string(), nombre: z.string() })

/** 4.2: business rules, each with its own error, and a bug that strikes now and then. */
export function userRoutes(failRate: number, random: () => number) {
  const emails = new Set(['test@example.com'])

  return async (app: FastifyInstance): Promise<void> => {
    app.post(
      '/users',
      route({ body: NewUser, errors: ['EMAIL_ALREADY_EXISTS', 'INVALID_EMAIL_FORMAT'] }, async ({ body }) => {
        const { email, nombre } = body
        if (emails.has(email)) throw new Errors.EMAIL_ALREADY_EXISTS({ email_conflictivo: email })
        if (!email.includes('@')) throw new Errors.INVALID_EMAIL_FORMAT()
        // Drawn last, and before anything is stored: a request that failed has done nothing.
        if (random() < failRate) throw new Error('simulated bug: creating the user blew up')
        emails.add(email)
        return { mensaje: `Usuario ${nombre} creado con email ${email}` }
      }),
    )
  }
}

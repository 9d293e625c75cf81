import { type DashboardOptions, dashboardRoutes, ServiceLog } from '@escudo/dashboard/fastify'
import type { FastifyInstance } from 'fastify'
import { Errors } from './catalogue.ts'
import { CHALLENGE, type Role, tokenOf } from './tokens.ts'

/** The dashboard of the shop alone: a sink for its log lines, and the page for administrators. */
export interface OwnDashboard {
  readonly sink: ServiceLog
  readonly register: (app: FastifyInstance, roleOf: (token: unknown) => Role | undefined) => Promise<void>
}

/** 4.9: the page of the dashboard, inside the shop. */
export function ownDashboard(): OwnDashboard {
  const lines = new ServiceLog()
  return {
    sink: lines,
    register: async (app, roleOf) => {
      const authorize: DashboardOptions['authorize'] = ({ headers }) => {
        const role = roleOf(tokenOf(headers))
        if (role === undefined) {
          throw new Errors.AUTENTICACION_FALLIDA(undefined, { headers: { 'www-authenticate': CHALLENGE } })
        }
        if (role !== 'admin') throw new Errors.ACCESO_PROHIBIDO()
        return { actor: role }
      }
      await app.register(dashboardRoutes({ lines, authorize }), { prefix: '/admin/dashboard' })
    },
  }
}

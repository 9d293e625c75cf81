import type { Language } from '../text/texts.ts'
import type { Action } from './act.ts'

/** The texts about levers. */
export interface LeverTexts {
  readonly levers: string
  readonly disabled: string
  readonly leversOf: (name: string) => string
  readonly all: string
  readonly actions: Readonly<Record<Action, string>>
  /** What an action does, in one sentence. */
  readonly effects: Readonly<Record<Action, string>>
  readonly what: string
  readonly which: string
  /** The label of the options of `reconfigure`. */
  readonly options: string
  readonly notJson: string
  readonly reason: string
  readonly reasonHint: string
  readonly submit: (action: string, name: string) => string
  readonly sending: string
  readonly done: (before: string, after: string) => string
  readonly unchanged: (state: string) => string
  readonly loading: string
  readonly noBreakers: string
  /** Why it was refused, by status. */
  readonly refused: Readonly<Record<number, string>>
  readonly failed: (status: string) => string
  readonly unreachable: string
  readonly listUnreachable: string
  readonly serviceSays: (message: string) => string
}

const en: LeverTexts = {
  levers: 'Levers',
  disabled: 'disabled',
  leversOf: (name) => `Levers of ${name}`,
  all: 'All breakers…',
  actions: {
    isolate: 'Isolate',
    trip: 'Trip',
    reset: 'Reset',
    disable: 'Disable',
    enable: 'Enable',
    reconfigure: 'Change options',
  },
  effects: {
    isolate: 'Refuses every call until it is reset.',
    trip: 'Opens now and recovers by itself, with probes.',
    reset: 'Closes, and forgets past failures.',
    disable: 'Lets every call pass and counts nothing.',
    enable: 'Counts and refuses again.',
    reconfigure: 'Changes how it trips and recovers.',
  },
  what: 'What to do',
  which: 'Breaker',
  options: 'New options, as JSON',
  notJson: 'An object in JSON, such as {"openFor":"30s"}',
  reason: 'Reason',
  reasonHint: 'It is written to the log with your name.',
  submit: (action, name) => `${action} ${name}`,
  sending: 'Sending…',
  done: (before, after) => `Done: ${before} → ${after}.`,
  unchanged: (state) => `Nothing changed: it already was ${state}.`,
  loading: 'Asking the service…',
  noBreakers: 'The service has no circuit breaker.',
  refused: {
    401: 'The service does not know you. Reload the page and sign in.',
    403: 'The service does not allow this for you, or not from this address.',
    404: 'The service no longer has this breaker.',
    409: 'The service cannot tell what is meant: the name belongs to several shields, or the policy has no such lever.',
    422: 'The service did not accept the values.',
    429: 'Too many requests. Wait a moment, then try again.',
  },
  failed: (status) => `The service failed (${status}). The lane shows whether it acted.`,
  unreachable: 'The service did not answer. The lane shows whether it acted.',
  listUnreachable: 'The service did not answer.',
  serviceSays: (message) => `The service says: ${message}`,
}

const es: LeverTexts = {
  levers: 'Mandos',
  disabled: 'desactivado',
  leversOf: (name) => `Mandos de ${name}`,
  all: 'Todos los cortacircuitos…',
  actions: {
    isolate: 'Aislar',
    trip: 'Abrir',
    reset: 'Restablecer',
    disable: 'Desactivar',
    enable: 'Activar',
    reconfigure: 'Cambiar opciones',
  },
  effects: {
    isolate: 'Rechaza todas las llamadas hasta que se restablezca.',
    trip: 'Se abre ahora y se recupera solo, con pruebas.',
    reset: 'Se cierra y olvida los fallos anteriores.',
    disable: 'Deja pasar todas las llamadas y no cuenta nada.',
    enable: 'Vuelve a contar y a rechazar.',
    reconfigure: 'Cambia cuándo se abre y cómo se recupera.',
  },
  what: 'Qué hacer',
  which: 'Cortacircuitos',
  options: 'Opciones nuevas, en JSON',
  notJson: 'Un objeto en JSON, como {"openFor":"30s"}',
  reason: 'Motivo',
  reasonHint: 'Se escribe en el log con tu nombre.',
  submit: (action, name) => `${action} ${name}`,
  sending: 'Enviando…',
  done: (before, after) => `Hecho: ${before} → ${after}.`,
  unchanged: (state) => `Nada ha cambiado: ya estaba ${state}.`,
  loading: 'Preguntando al servicio…',
  noBreakers: 'El servicio no tiene ningún cortacircuitos.',
  refused: {
    401: 'El servicio no te conoce. Recarga la página e identifícate.',
    403: 'El servicio no te permite esto, o no desde esta dirección.',
    404: 'El servicio ya no tiene este cortacircuitos.',
    409: 'El servicio no sabe a qué te refieres: varios escudos tienen el nombre, o la política no tiene ese mando.',
    422: 'El servicio no ha aceptado los valores.',
    429: 'Demasiadas peticiones. Espera un momento y vuelve a intentarlo.',
  },
  failed: (status) => `El servicio ha fallado (${status}). El carril muestra si ha actuado.`,
  unreachable: 'El servicio no ha respondido. El carril muestra si ha actuado.',
  listUnreachable: 'El servicio no ha respondido.',
  serviceSays: (message) => `El servicio dice: ${message}`,
}

/** The texts about levers by language. */
export const LEVER_TEXTS: Readonly<Record<Language, LeverTexts>> = { es, en }

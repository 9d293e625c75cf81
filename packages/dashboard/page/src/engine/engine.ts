export { EngineAlert, EngineLimits } from './notices.tsx'

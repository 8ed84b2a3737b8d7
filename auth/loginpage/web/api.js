// What every request of the page has in common, and the texts that scripts say.

export const { lang, dataset: config } = document.documentElement

const texts = JSON.parse(config.texts)

// say returns a text with its {placeholders} filled in.
export function say(key, values = {}) {
  return texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name])
}

// duration puts seconds into words: whole minutes where seconds are of no
// interest.
export function duration(seconds) {
  const [n, unit] = seconds < 100 ? [seconds, 'second'] : [seconds / 60, 'minute']
  return new Intl.NumberFormat(lang, { style: 'unit', unit, unitDisplay: 'long' }).format(Math.ceil(n))
}

// Refusal is an error that people are told. Its code is the error_code, or one
// of the page's own; without one the server was not reached. wait is how many
// seconds to wait before trying again.
export class Refusal extends Error {
  constructor(text, code, wait) {
    super(text)
    Object.assign(this, { code, wait })
  }
}

// call makes a request and returns the response. Whatever goes wrong is a
// Refusal.
export async function call(method, path, body) {
  const headers = {
    'X-operating-sys-version': (navigator.userAgentData?.platform || navigator.platform || 'web').slice(0, 64),
    'X-device-fingerprint': device(),
    'X-agent': navigator.userAgent.slice(0, 512),
    'X-client-id': config.client,
    'X-L': lang,
  }
  if (body) headers['Content-Type'] = 'application/json'
  let response
  try {
    response = await fetch(config.api + path, {
      method, headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(20_000),
    })
  } catch {
    throw new Refusal(say('say_offline'))
  }
  if (response.ok) return response
  const { error_code: code, error_msg: told } = await response.json().catch(() => ({}))
  const text = texts[code] ?? told ?? texts['IDAAS.SDK.COM.0002']
  const wait = response.headers.get('Retry-After')
  throw new Refusal(wait ? say('say_later', { text, time: duration(wait) }) : text, code ?? `${response.status}`, wait)
}

export async function post(path, body) {
  return (await call('POST', path, body)).json()
}

// signOut ends the session. One that has ended already is no error.
export async function signOut() {
  try {
    await call('POST', 'logout')
  } catch (refusal) {
    if (refusal.code !== 'IDAAS.SDK.PARAM.0023') throw refusal
  }
}

let unkept // the name of a device that must not keep one

// device returns the random name of this device, by which the server tells one
// login from another.
function device() {
  try {
    let name = localStorage.getItem('mailkey.device')
    if (!name) {
      name = randomName()
      localStorage.setItem('mailkey.device', name)
    }
    return name
  } catch {
    return unkept ??= randomName()
  }
}

function randomName() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')
}

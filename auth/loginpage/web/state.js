// How far the person got: it outlives going back and reloading, in this tab
// alone. No code and no token is ever in it.

const key = 'mailkey.login'

// state has step, email, expiresAt and resendAt (milliseconds), wrong (how
// often the code was), and captcha (the kind that was chosen).
export const state = read()

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(key)) ?? {}
  } catch {
    return {}
  }
}

export function remember(changes) {
  Object.assign(state, changes)
  try {
    sessionStorage.setItem(key, JSON.stringify(state))
  } catch {
    // Then a reload begins anew.
  }
}

export function forget() {
  for (const name of Object.keys(state)) delete state[name]
  try {
    sessionStorage.removeItem(key)
  } catch {
    // There is nothing to forget.
  }
}

package auth

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Reason is why a request is refused: the error_code of the wire. It is an error,
// to be matched with [errors.Is] in those of [Auth.LoadSession], for example, and
// to be handed to [Auth.WriteError]. docs/wire.md has the status and the texts of
// each.
type Reason string

// Error makes a Reason an error that can be returned, wrapped and matched.
func (r Reason) Error() string { return string(r) }

// The reasons that clients of the API family know.
const (
	ReasonDevice         Reason = "IDAAS.SDK.PARAM.0001"   // a device header is missing, empty, repeated or malformed
	ReasonClientEmpty    Reason = "IDAAS.SDK.PARAM.0002"   // X-client-id is missing or empty
	ReasonClientUnknown  Reason = "IDAAS.SDK.PARAM.0003"   // X-client-id is not one of Config.Clients
	ReasonCodeEmpty      Reason = "IDAAS.SDK.PARAM.0009"   // verify_code is missing or empty
	ReasonSessionInvalid Reason = "IDAAS.SDK.PARAM.0023"   // refresh or logout without a live session
	ReasonUserUnknown    Reason = "IDAAS.SDK.USER.0001"    // right code, no such user, and registration is closed
	ReasonEmailEmpty     Reason = "IDAAS.SDK.USER.0004"    // the address is missing or empty
	ReasonUserDisabled   Reason = "IDAAS.SDK.USER.0039"    // right code, disabled user
	ReasonCaptcha        Reason = "IDAAS.SDK.CAPTCHA.0002" // a wrong, expired or used answer or captcha_token
	ReasonNotSent        Reason = "IDAAS.SDK.CAPTCHA.0006" // mails cannot be sent at the moment
	ReasonCode           Reason = "IDAAS.SDK.CAPTCHA.0007" // the code is wrong, expired, used, or for somebody else
	ReasonBusy           Reason = "IDAAS.SDK.COM.0002"     // whatever the server could not do
)

// The reasons that the family does not document.
const (
	ReasonMalformed   Reason = "MAILKEY.REQUEST.0001" // the body is not what it should be
	ReasonMethod      Reason = "MAILKEY.REQUEST.0002" // not a method of this path
	ReasonTooLarge    Reason = "MAILKEY.REQUEST.0003" // the body is too large
	ReasonContentType Reason = "MAILKEY.REQUEST.0004" // the body is not application/json in UTF-8
	ReasonEmail       Reason = "MAILKEY.REQUEST.0005" // not an address that people can log in with
	ReasonCodeType    Reason = "MAILKEY.REQUEST.0006" // type is not LOGIN_EMS
	ReasonCrossOrigin Reason = "MAILKEY.REQUEST.0007" // another origin made a browser send it
	ReasonNotFound    Reason = "MAILKEY.REQUEST.0008" // no such path
	ReasonTimeout     Reason = "MAILKEY.REQUEST.0009" // the body did not arrive in time
	ReasonLimit       Reason = "MAILKEY.LIMIT.0001"   // too many requests
	ReasonNotSignedIn Reason = "MAILKEY.SESSION.0001" // no live session, or no valid id_token
)

// statuses is the one place that says which HTTP status a reason has.
var statuses = map[Reason]int{
	ReasonDevice:         http.StatusBadRequest,
	ReasonClientEmpty:    http.StatusBadRequest,
	ReasonClientUnknown:  http.StatusBadRequest,
	ReasonCodeEmpty:      http.StatusBadRequest,
	ReasonSessionInvalid: http.StatusBadRequest,
	ReasonUserUnknown:    http.StatusBadRequest,
	ReasonEmailEmpty:     http.StatusBadRequest,
	ReasonUserDisabled:   http.StatusBadRequest,
	ReasonCaptcha:        http.StatusBadRequest,
	ReasonNotSent:        http.StatusBadRequest,
	ReasonCode:           http.StatusBadRequest,
	ReasonBusy:           http.StatusInternalServerError,

	ReasonMalformed:   http.StatusBadRequest,
	ReasonMethod:      http.StatusMethodNotAllowed,
	ReasonTooLarge:    http.StatusRequestEntityTooLarge,
	ReasonContentType: http.StatusUnsupportedMediaType,
	ReasonEmail:       http.StatusBadRequest,
	ReasonCodeType:    http.StatusBadRequest,
	ReasonCrossOrigin: http.StatusForbidden,
	ReasonNotFound:    http.StatusNotFound,
	ReasonTimeout:     http.StatusRequestTimeout,
	ReasonLimit:       http.StatusTooManyRequests,
	ReasonNotSignedIn: http.StatusUnauthorized,
}

// failure is what a handler returns. The client sees the reason, the log sees
// the cause.
type failure struct {
	reason Reason
	cause  error         // nil: the client's doing, nothing to report
	wait   time.Duration // above 0: Retry-After
}

func (f *failure) Error() string {
	if f.cause == nil {
		return string(f.reason)
	}
	return fmt.Sprintf("%s: %v", f.reason, f.cause)
}

func (f *failure) Unwrap() []error {
	if f.cause == nil {
		return []error{f.reason}
	}
	return []error{f.reason, f.cause}
}

func refuse(reason Reason) error { return &failure{reason: reason} }

func limited(wait time.Duration) error { return &failure{reason: ReasonLimit, wait: wait} }

// busy is what a broken dependency looks like from outside.
func busy(doing string, cause error) error {
	return &failure{reason: ReasonBusy, cause: fmt.Errorf("%s: %w", doing, cause), wait: time.Second}
}

// errMixedUp is what comes of a driver, or a cache, that gives one caller the
// answer to another. That must not make one person another.
var errMixedUp = errors.New("the store answered with what it was not asked for")

// failureOf makes a failure of any error.
func failureOf(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if reason, ok := errors.AsType[Reason](err); ok && statuses[reason] != 0 {
		return &failure{reason: reason}
	}
	return &failure{reason: ReasonBusy, cause: err}
}

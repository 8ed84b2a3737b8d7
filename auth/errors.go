package auth

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Reason is why a request is refused: the error_code of the wire. Its status
// is in the table below, its text in messages/*.json.
type Reason string

// Error makes a Reason an error that can be returned, wrapped and matched.
func (r Reason) Error() string { return string(r) }

// The reasons that clients of the API family know.
const (
	ReasonDevice         Reason = "IDAAS.SDK.PARAM.0001"
	ReasonClientEmpty    Reason = "IDAAS.SDK.PARAM.0002"
	ReasonClientUnknown  Reason = "IDAAS.SDK.PARAM.0003"
	ReasonCodeEmpty      Reason = "IDAAS.SDK.PARAM.0009"
	ReasonSessionInvalid Reason = "IDAAS.SDK.PARAM.0023"
	ReasonUserUnknown    Reason = "IDAAS.SDK.USER.0001"
	ReasonEmailEmpty     Reason = "IDAAS.SDK.USER.0004"
	ReasonUserDisabled   Reason = "IDAAS.SDK.USER.0039"
	ReasonCaptcha        Reason = "IDAAS.SDK.CAPTCHA.0002"
	ReasonNotSent        Reason = "IDAAS.SDK.CAPTCHA.0006"
	ReasonCode           Reason = "IDAAS.SDK.CAPTCHA.0007"
	ReasonBusy           Reason = "IDAAS.SDK.COM.0002"
)

// The reasons that the family does not document.
const (
	ReasonMalformed   Reason = "MAILKEY.REQUEST.0001"
	ReasonMethod      Reason = "MAILKEY.REQUEST.0002"
	ReasonTooLarge    Reason = "MAILKEY.REQUEST.0003"
	ReasonContentType Reason = "MAILKEY.REQUEST.0004"
	ReasonEmail       Reason = "MAILKEY.REQUEST.0005"
	ReasonCodeType    Reason = "MAILKEY.REQUEST.0006"
	ReasonCrossOrigin Reason = "MAILKEY.REQUEST.0007"
	ReasonNotFound    Reason = "MAILKEY.REQUEST.0008"
	ReasonTimeout     Reason = "MAILKEY.REQUEST.0009"
	ReasonLimit       Reason = "MAILKEY.LIMIT.0001"
	ReasonNotSignedIn Reason = "MAILKEY.SESSION.0001"
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

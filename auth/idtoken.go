package auth

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// reservedClaims are set by mailkey alone; Config.ExtraClaims cannot.
var reservedClaims = []string{
	"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "auth_time", "sid", "amr", "acr", "azp", "nonce",
	"at_hash", "c_hash", "email", "email_verified",
}

// isReserved is true for every spelling that some parser of JSON takes for a
// reserved name: encoding/json ignores case, and knows more letters than those
// of ASCII that differ in nothing else.
func isReserved(name string) bool {
	return slices.ContainsFunc(reservedClaims, func(reserved string) bool { return strings.EqualFold(name, reserved) })
}

// signIDToken makes the id_token (OpenID Connect Core 1.0, section 2) of an
// identity. It says amr "otp" (RFC 8176) and claims nothing stronger: a
// mailbox is one factor.
func (a *Auth) signIDToken(ctx context.Context, id Identity, extra map[string]any, now time.Time) (string, error) {
	for name := range extra {
		if isReserved(name) {
			return "", fmt.Errorf("ExtraClaims: the claim %q is reserved", name)
		}
	}
	claims := jwt.MapClaims{}
	maps.Copy(claims, extra)
	maps.Copy(claims, jwt.MapClaims{
		"iss":            a.config.Issuer,
		"sub":            id.UserID,
		"aud":            id.ClientID,
		"exp":            now.Add(a.config.IDTokenLifetime).Unix(),
		"iat":            now.Unix(),
		"nbf":            now.Unix(),
		"jti":            randomToken(16),
		"auth_time":      id.LoginAt.Unix(),
		"sid":            id.SessionID,
		"amr":            []string{"otp"},
		"email":          id.Email,
		"email_verified": true,
	})
	key, err := a.signingKey(ctx, now)
	if err != nil {
		return "", err
	}
	token := jwt.NewWithClaims(jwt.GetSigningMethod(key.Algorithm), claims)
	token.Header["kid"] = key.ID
	return token.SignedString(key.private)
}

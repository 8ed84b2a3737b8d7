package main

// refusals are the codes of docs/wire.md, section 1.
var refusals = map[string]struct {
	status int
	en, zh string
}{
	"IDAAS.SDK.PARAM.0001":   {400, "Device information is incomplete", "设备信息不完整"},
	"IDAAS.SDK.PARAM.0002":   {400, "clientId cannot be empty", "clientId不能为空"},
	"IDAAS.SDK.PARAM.0003":   {400, "The app is not registered, please register the app first", "应用未注册,请先注册应用"},
	"IDAAS.SDK.PARAM.0009":   {400, "Verification code cannot be empty", "验证码不能为空"},
	"IDAAS.SDK.PARAM.0023":   {400, "Invalid or expired session token", "会话令牌无效或已过期"},
	"IDAAS.SDK.USER.0001":    {400, "User not found", "用户未找到"},
	"IDAAS.SDK.USER.0004":    {400, "Email cannot be empty", "邮箱不能为空"},
	"IDAAS.SDK.USER.0039":    {400, "User is disabled", "用户已被禁用"},
	"IDAAS.SDK.CAPTCHA.0002": {400, "Graphic verification code verification failed", "图形验证码校验失败"},
	"IDAAS.SDK.CAPTCHA.0006": {400, "Failed to send verification code", "验证码发送失败"},
	"IDAAS.SDK.CAPTCHA.0007": {400, "Incorrect verification code", "验证码不正确"},
	"IDAAS.SDK.COM.0002":     {500, "System busy, please try again later", "系统繁忙,请稍后再试"},
	"MAILKEY.REQUEST.0001":   {400, "Malformed request", "请求格式错误"},
	"MAILKEY.REQUEST.0002":   {405, "Method not allowed", "请求方法不允许"},
	"MAILKEY.REQUEST.0003":   {413, "Request body too large", "请求体过大"},
	"MAILKEY.REQUEST.0004":   {415, "Content-Type must be application/json", "Content-Type 必须为 application/json"},
	"MAILKEY.REQUEST.0005":   {400, "Invalid email address", "邮箱格式不正确"},
	"MAILKEY.REQUEST.0006":   {400, "Unsupported verification code type", "不支持的验证码类型"},
	"MAILKEY.REQUEST.0007":   {403, "Cross-origin request refused", "拒绝跨源请求"},
	"MAILKEY.REQUEST.0008":   {404, "Not found", "未找到"},
	"MAILKEY.REQUEST.0009":   {408, "Request timed out", "请求超时"},
	"MAILKEY.LIMIT.0001":     {429, "Too many requests, please try again later", "请求过于频繁，请稍后再试"},
	"MAILKEY.SESSION.0001":   {401, "Not signed in", "未登录"},
}

// Those that rules expect.
const (
	deviceIncomplete = "IDAAS.SDK.PARAM.0001"
	clientEmpty      = "IDAAS.SDK.PARAM.0002"
	clientUnknown    = "IDAAS.SDK.PARAM.0003"
	codeEmpty        = "IDAAS.SDK.PARAM.0009"
	sessionInvalid   = "IDAAS.SDK.PARAM.0023"
	emailEmpty       = "IDAAS.SDK.USER.0004"
	captchaFailed    = "IDAAS.SDK.CAPTCHA.0002"
	codeIncorrect    = "IDAAS.SDK.CAPTCHA.0007"
	malformed        = "MAILKEY.REQUEST.0001"
	methodNotAllowed = "MAILKEY.REQUEST.0002"
	tooLarge         = "MAILKEY.REQUEST.0003"
	wrongContentType = "MAILKEY.REQUEST.0004"
	emailInvalid     = "MAILKEY.REQUEST.0005"
	typeUnsupported  = "MAILKEY.REQUEST.0006"
	crossOrigin      = "MAILKEY.REQUEST.0007"
	notFound         = "MAILKEY.REQUEST.0008"
	limited          = "MAILKEY.LIMIT.0001"
	notSignedIn      = "MAILKEY.SESSION.0001"
)

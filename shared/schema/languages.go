package schema

// SpokenLanguage is one that Snug speaks.
type SpokenLanguage struct {
	Code    string   // BCP 47, as settings keep it: "de"
	Name    string   // in itself: "Deutsch"
	Locales []string // Discord's locales that are read in it
}

// Languages returns the languages that Snug speaks, English first: it is the fallback of every other.
func Languages() []SpokenLanguage {
	return []SpokenLanguage{
		{"en", "English", []string{"en-US", "en-GB"}},
		{"de", "Deutsch", []string{"de"}},
		{"fr", "Français", []string{"fr"}},
		{"es", "Español", []string{"es-ES", "es-419"}},
		{"pt-BR", "Português do Brasil", []string{"pt-BR"}},
		{"ja", "日本語", []string{"ja"}},
	}
}

// LanguageCodes returns the codes of Languages.
func LanguageCodes() []string {
	var codes []string
	for _, l := range Languages() {
		codes = append(codes, l.Code)
	}
	return codes
}

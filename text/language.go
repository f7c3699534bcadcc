package text

import "strings"

// Und is the code of a language that cannot be told (BCP 47, RFC 5646).
const Und = "und"

// language is what is known of one: its scripts and the words that hold its
// sentences together, in normal form.
type language struct {
	code    string
	scripts []Script
	words   string
}

// languages are those that can be told apart, a few by their script alone.
var languages = []language{
	{"en", []Script{Latin}, "the of and to in is you that it he was for on are with as i his they be at one have this from or had by not but what all were we when your can there an which their if will would about out up them then she many some so these her make him into has two more no way could my than been who now did get may just like dont im a me do how why its our us am don't i'm it's u ur"},
	{"es", []Script{Latin}, "el la de que y a en un ser se no por con su para como estar tener le lo todo pero mas hacer o este ir otro ese si me ya ver porque muy sin sobre mi alguno mismo yo tambien hasta los las del es una al son esta te tu nos cuando donde quien hay eres soy eso"},
	{"fr", []Script{Latin}, "le la les de des du un une et est que qui dans en pour pas sur avec ce il elle je tu nous vous ils ne se son sa ses au aux par plus mais ou cette ces mon ma mes ton suis sont c'est j'ai ai as etre avoir fait comme tout bien si leur y lui meme quand"},
	{"de", []Script{Latin}, "der die das und ist in zu den nicht von mit sich des auf fur im dem ein eine einen einer als auch es an werden aus er hat dass sie nach wird bei ich du wir ihr war sind noch wie uber so nur oder aber vor mich dich mir dir kein keine mein dein was wenn man hier"},
	{"it", []Script{Latin}, "il lo la gli le di che e un una in non per con sono del della dei delle al alla si da come ma piu anche io tu lui lei noi loro mi ti ci vi questo questa quello ha ho hai sei nel nella cosa perche quando dove chi se molto tutto mio suo essere"},
	{"pt", []Script{Latin}, "o a os as de do da dos das que e em um uma para com nao por mais como mas foi ao ele ela eu tu voce nos eles se no na nos nas seu sua meu minha isso este esta ou ser quando muito ja tambem so pelo pela ate sao tem esse aqui bem"},
	{"nl", []Script{Latin}, "de het een en van ik te dat die in je niet zijn is was op aan met als voor had er maar om hem dan zou of wat mijn men dit zo door over ze zich bij ook tot naar heeft hebben deze u want nog zal me zij nu geen omdat iets worden jij wij jullie ben"},
	{"sv", []Script{Latin}, "och i att det som en pa ar av for med till den har de inte om ett han men var jag sig fran vi sa kan man nar ar hon under ocksa efter eller nu sin dar vid mot ska skulle du mig dig vad inte hur bara mycket min din"},
	{"da", []Script{Latin}, "og i at det er en til af pa for med der de den har ikke som jeg han var et fra vi du men sig sa om kan hun nu nar eller skal mig dig hvad bare meget min din vil efter ogsa hvor kun blev op ud"},
	{"nb", []Script{Latin}, "og i det er pa en til av for med som at de den har ikke jeg han var et fra vi du men seg sa om kan hun na nar eller skal meg deg hva bare mye min din vil etter ogsa hvor bare ble opp ut"},
	{"fi", []Script{Latin}, "ja on ei se han etta en oli mutta ovat niin kuin tai mina sina me te he joka mita kun jos nyt vain myos voi olen olet ole tama siita sen minun sinun kaikki mika miksi ollut sitten jo"},
	{"pl", []Script{Latin}, "i w nie na sie z do to ze jest jak co o a ale po tak za od ja ty on ona my wy oni byc ma czy tylko juz jego jej przez dla sa mnie ci go mi byl byla tego tym bardzo kiedy gdzie ktory moze sobie"},
	{"cs", []Script{Latin}, "a se v na je ze to s z do o i jako za ale by si po jsem jsi jsme jste jsou byl byla co tak uz jen nebo ja ty my vy ten ta jeho jeji pro od kdyz jak kde proc aby neni ma me mi ti"},
	{"ro", []Script{Latin}, "si in de la cu nu a o un pe ca este din sa pentru mai care am ai are au fi ce dar sunt esti eu tu el ea noi voi ei lui cum cand unde daca acest foarte tot sau al ale fost imi iti"},
	{"hu", []Script{Latin}, "a az es hogy nem is egy van volt de ha meg csak mint en te o mi ti ok ez azt ezt vagy mar el ki be le nagyon kell lesz vagyok vagy hol mikor miert minden sem itt ott igen"},
	{"tr", []Script{Latin}, "ve bir bu da de icin ile ne ben sen o biz siz onlar cok var yok gibi daha ama en kadar mi mu degil her sonra diye olan olarak ki ya bana sana beni seni nasil neden iyi simdi evet hayir"},
	{"id", []Script{Latin}, "yang dan di itu dengan untuk tidak ini dari dalam akan pada juga saya ke karena bisa ada mereka kamu aku kita dia anda sudah atau seperti hanya kami lebih oleh saat apa bukan sangat tapi jika"},
	{"vi", []Script{Latin}, "va la cua co khong cho mot trong duoc nguoi nhung voi nay da cac toi ban anh em ong ba the ra den khi lam nhu cung thi ve roi rat gi sao vi"},
	{"ru", []Script{Cyrillic}, "и в не на я что он с как это по но они мы ты вы все так его у за же от из бы о к а то была был меня тебя мне тебе уже нет да если когда где кто очень для до или только ещё еще она"},
	{"uk", []Script{Cyrillic}, "і в не на я що він з як це по але вони ми ти ви всі так його у за ж від із б о до та й була був мене тебе мені тобі вже ні якщо коли де хто дуже для або тільки ще вона є"},
	{"bg", []Script{Cyrillic}, "и в не на аз че той с как това по но те ние ти вие всички така него у за от да си се ще са съм е ли до или само още тя много когато къде кой ако"},
	{"ar", []Script{Arabic}, "في من على ان أن إلى الى هذا هذه ما لا و هو هي انا أنا انت أنت كان مع عن كل لم التي الذي يا هل قد او أو بعد ليس"},
	{"fa", []Script{Arabic}, "و در به از که این را با است برای آن یک تو من او ما شما می هم تا بر نه یا چه اگر خود های بود هر کن نیست"},
	{"ur", []Script{Arabic}, "کے کی کا ہے میں اور سے کو نے پر یہ وہ کہ بھی ہیں تو نہیں ہو ایک اس تم ہم آپ کیا جو تھا"},
	{"hi", []Script{Devanagari}, "है के की का में और से को ने पर यह वह कि भी हैं तो नहीं हो एक इस मैं तुम हम आप क्या जो था"},
	{"el", []Script{Greek}, ""},
	{"hy", []Script{Armenian}, ""},
	{"he", []Script{Hebrew}, ""},
	{"bn", []Script{Bengali}, ""},
	{"pa", []Script{Gurmukhi}, ""},
	{"gu", []Script{Gujarati}, ""},
	{"ta", []Script{Tamil}, ""},
	{"te", []Script{Telugu}, ""},
	{"kn", []Script{Kannada}, ""},
	{"ml", []Script{Malayalam}, ""},
	{"si", []Script{Sinhala}, ""},
	{"th", []Script{Thai}, ""},
	{"lo", []Script{Lao}, ""},
	{"bo", []Script{Tibetan}, ""},
	{"my", []Script{Myanmar}, ""},
	{"ka", []Script{Georgian}, ""},
	{"km", []Script{Khmer}, ""},
	{"ko", []Script{Hangul}, ""},
	{"ja", []Script{Hiragana, Katakana, Han}, ""},
	{"zh", []Script{Han}, ""},
}

// alone says whether the script of a language is written by no other here.
func (l *language) alone() bool { return l.words == "" }

// Languages gives the codes of the languages that Language can tell.
func Languages() []string {
	codes := make([]string, len(languages))
	for i := range languages {
		codes[i] = languages[i].code
	}
	return codes
}

// function maps each function word to the languages that have it, as bits.
var function = func() map[string]uint64 {
	words := map[string]uint64{}
	for i := range languages {
		for _, w := range strings.Fields(languages[i].words) {
			words[w] |= 1 << i
		}
	}
	return words
}()

// least evidence that a message is in one language rather than another.
const (
	leastWords = 2 // more of its function words than of the other
	leastShare = 8 // of the words, one in so many
)

// evidence counts the words of the message, and those that each language uses to
// hold sentences together.
func (n *Normal) evidence() (hits [64]int, words int) {
	for i := 0; i < len(n.Text); {
		if n.Flags[i]&Word == 0 {
			i++
			continue
		}
		start := i
		for i < len(n.Text) && (n.Flags[i]&Word != 0 || n.Text[i] == '\'') {
			i++
		}
		words++
		for bits, l := function[string(n.Text[start:i])], 0; bits != 0; bits, l = bits>>1, l+1 {
			if bits&1 != 0 {
				hits[l]++
			}
		}
	}
	return hits, words
}

// writes says whether a language is written in the script of most letters of the
// message; also in one of its scripts, where it has several.
func (n *Normal) writes(l *language) bool {
	most := n.Script()
	for _, s := range l.scripts {
		if s == most {
			return l.code != "zh" || n.Letters[Hiragana]+n.Letters[Katakana] == 0
		}
	}
	return false
}

// Language gives the code of the language of the message (BCP 47), und where it
// cannot be told: it is short, has no sentence, mixes languages, or is in none of
// Languages. Languages that share a script are told by their function words.
func (n *Normal) Language() string {
	hits, words := n.evidence()
	best, second := -1, 0
	for i := range languages {
		l := &languages[i]
		switch {
		case !n.writes(l):
		case l.alone() && (l.code != "ja" || n.Letters[Hiragana]+n.Letters[Katakana] > 0):
			return l.code
		case best < 0 || hits[i] > hits[best]:
			if best >= 0 {
				second = hits[best]
			}
			best = i
		case hits[i] > second:
			second = hits[i]
		}
	}
	if best < 0 || hits[best] < second+leastWords || hits[best]*leastShare < words {
		return Und
	}
	return languages[best].code
}

// MayBe says whether nothing speaks against the message being in a language:
// neither its script nor another language's function words. Of a language that is
// not among Languages nothing is known, so the answer is false.
func (n *Normal) MayBe(code string) bool {
	if n.Script() == Common {
		return true // no letters
	}
	code, _, _ = strings.Cut(strings.ToLower(code), "-")
	for i := range languages {
		l := &languages[i]
		if l.code != code {
			continue
		}
		if !n.writes(l) {
			return false
		}
		hits, words := n.evidence()
		for j := range languages {
			if n.writes(&languages[j]) && hits[j] >= hits[i]+leastWords && hits[j]*leastShare >= words {
				return false
			}
		}
		return true
	}
	return false
}

//! Words of a text as they are looked for: in lower case, `ё` as `е`, marks left out. People are found by them, whatever the engine.

use std::collections::BTreeSet;

/// Longest word, in bytes; what is longer is found by its beginning.
const WORD_BYTES_MAX: usize = 32;

/// The different words of a text. One without letters and digits is a single word as it stands.
pub fn words_of(text: &str) -> BTreeSet<String> {
    let lower = text.to_lowercase().replace('ё', "е");
    let words: BTreeSet<String> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(cut).collect();
    match lower.trim() {
        bare if words.is_empty() && !bare.is_empty() => BTreeSet::from([cut(bare)]),
        _ => words,
    }
}

fn cut(word: &str) -> String {
    let end = word.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= WORD_BYTES_MAX).last();
    word[..end.unwrap_or(0)].to_owned()
}

/// Whether each of these words begins a word of the text.
pub fn begin_words_of(words: &BTreeSet<String>, text: &str) -> bool {
    let there = words_of(text);
    words.iter().all(|word| there.range(word.clone()..).next().is_some_and(|found| found.starts_with(word.as_str())))
}

/// The first bytes behind all words that begin with this one: no text has the byte 0xFF.
pub fn behind(word: &str) -> Vec<u8> {
    [word.as_bytes(), &[0xff]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whatever_their_case_and_marks() {
        let words = |text| words_of(text).into_iter().collect::<Vec<_>>();
        assert_eq!(words("Анна-Мария  О'Нил"), ["анна", "мария", "нил", "о"]);
        assert_eq!(words("Пётр ПЕТР"), ["петр"]);
        assert_eq!(words("  🚴 "), ["🚴"]);
        assert_eq!(words(" "), [""; 0]);
        assert_eq!(words(&"щ".repeat(40)), ["щ".repeat(16)]);
        let finds = |q: &str, text: &str| begin_words_of(&words_of(q), text);
        assert!(finds("сб прИсЁд", "Приседания в сб."), "in any order, case and marks");
        assert!(
            !finds("сб жим", "Приседания в сб.") && !finds("еда", "Приседания"),
            "all of them, from their beginnings"
        );
        assert!(behind("ан").as_slice() > "анна".as_bytes() && behind("ан").as_slice() < "ао".as_bytes());
    }
}

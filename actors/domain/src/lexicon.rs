//! Words that a gym does not want to read: a list, and whether a text holds one of them. Whole words; case, `ё` and letters that look alike
//! do not matter. It does not judge anything else: what is meant by a word is for people to see.

use fitconnect_protocol::limits::{LEXICON_WORD_BYTES_MAX, LEXICON_WORDS_MAX};
use fitconnect_protocol::report::OnWords;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A gym's list, as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lexicon {
    pub on_words: OnWords,
    /// As they were typed, in order, each once.
    pub words: BTreeSet<String>,
}

impl Default for Lexicon {
    fn default() -> Lexicon {
        Lexicon { on_words: OnWords::Refuse, words: BTreeSet::new() }
    }
}

/// Why a list cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAList {
    #[error("at most {LEXICON_WORDS_MAX} words")]
    TooMany,
    #[error("{0:?} is not one word of 1 to {LEXICON_WORD_BYTES_MAX} bytes")]
    NotAWord(String),
}

impl Lexicon {
    /// Words without the blanks around them; empty ones are left out.
    pub fn new(on_words: OnWords, words: impl IntoIterator<Item = String>) -> Result<Lexicon, NotAList> {
        let words: BTreeSet<String> =
            words.into_iter().map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect();
        if words.len() > LEXICON_WORDS_MAX {
            return Err(NotAList::TooMany);
        }
        let is_word = |word: &String| word.len() <= LEXICON_WORD_BYTES_MAX && parts(word).count() == 1;
        match words.iter().find(|word| !is_word(word)) {
            Some(word) => Err(NotAList::NotAWord(word.clone())),
            None => Ok(Lexicon { on_words, words }),
        }
    }

    /// The list as it is looked at.
    pub fn folded(&self) -> Folded {
        Folded { on_words: self.on_words, words: self.words.iter().flat_map(|word| parts(word)).collect() }
    }
}

/// A list whose words are folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    pub on_words: OnWords,
    words: BTreeSet<String>,
}

impl Folded {
    pub fn is_in(&self, text: &str) -> bool {
        !self.words.is_empty() && parts(text).any(|word| self.words.contains(&word))
    }
}

/// The words of a text, folded.
fn parts(text: &str) -> impl Iterator<Item = String> {
    let folded: String = text.chars().flat_map(char::to_lowercase).filter(|c| !is_nothing(*c)).map(fold).collect();
    let words: Vec<String> =
        folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    words.into_iter()
}

/// Marks above a letter, and signs that nobody sees.
fn is_nothing(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// One letter for all that look like it, whichever alphabet or digit they are from.
fn fold(lower: char) -> char {
    match lower {
        'a' | '@' | 'á' | 'à' | 'ä' | 'â' => 'а',
        'b' | '6' => 'б',
        'c' | '$' => 'с',
        'e' | 'ё' | 'é' | 'è' | 'ë' | 'ê' | 'є' => 'е',
        'h' => 'н',
        'i' | '1' | 'і' | 'ї' | 'í' | 'ì' => 'i',
        'k' => 'к',
        'm' => 'м',
        'o' | '0' | 'ö' | 'ó' | 'ò' => 'о',
        'p' => 'р',
        't' => 'т',
        'x' => 'х',
        'y' | 'ў' => 'у',
        '3' => 'з',
        '4' => 'ч',
        'й' => 'и',
        other => other,
    }
}

#[cfg(test)]
mod tests;

//! What commands print: tables and words for people, one JSON object for programs.

pub mod campaign;
pub mod campaign_json;
pub mod figures;
pub mod repros;
pub mod run;
pub mod run_json;
pub mod table;

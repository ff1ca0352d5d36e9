//! What the user says the columns of a table are for.

use std::path::Path;

use crate::error::{Error, Result, TableProblem};
use crate::read::table::header::find_column;
use crate::read::table::identifier::is_named_like_one;
use crate::read::table::layout::Layout;
use crate::read::table::survey::Look;
use crate::source::LoadOptions;

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Feature,
    /// A feature whose values are categories.
    Category,
    Label,
    Id,
    /// Documents, in a table of which no other column is a feature.
    Documents,
    /// Nothing.
    Left,
}

/// What all columns are for.
#[derive(Debug, Clone)]
pub(super) struct Roles {
    pub roles: Vec<Role>,
    /// Whether the features are named one by one, so that none of them is taken for anything else.
    pub chosen: bool,
}

impl Roles {
    pub fn said(path: &Path, layout: &Layout, options: &LoadOptions) -> Result<Self> {
        let find = |name: &String| find_column(path, &layout.names, layout.named, name);
        let mut said: Vec<Option<(Role, &'static str)>> = vec![None; layout.names.len()];
        let mut say = |name: &String, role, option| {
            let column = find(name)?;
            match said[column] {
                Some((_, first)) if first != option => Err(Error::table(
                    path,
                    TableProblem::TwoRoles { column: name.clone(), first, second: option },
                )),
                _ => {
                    said[column] = Some((role, option));
                    Ok(())
                }
            }
        };
        options.label_column.iter().try_for_each(|name| say(name, Role::Label, "--label-column"))?;
        options.id_column.iter().try_for_each(|name| say(name, Role::Id, "--id-column"))?;
        options.drop.iter().try_for_each(|name| say(name, Role::Left, "--drop"))?;
        options.categorical.iter().try_for_each(|name| say(name, Role::Category, "--categorical"))?;
        let chosen = !options.columns.is_empty();
        for name in &options.columns {
            // A category may be one of the chosen columns.
            let is_category = options.categorical.contains(name);
            if !is_category {
                say(name, Role::Feature, "--columns")?;
            }
        }
        // With a schema the model's columns come before.
        let fitted_id = options.fitted_id.as_ref().filter(|_| layout.named && options.schema.is_none());
        if options.id_column.is_none()
            && let Some(column) = fitted_id.and_then(|id| layout.names.iter().position(|name| name == id))
        {
            said[column].get_or_insert((Role::Id, "--id-column"));
        }
        let rest = if chosen { Role::Left } else { Role::Feature };
        let roles = said.into_iter().map(|said| said.map_or(rest, |(role, _)| role)).collect();
        Ok(Self { roles, chosen })
    }

    /// What the columns of a table are for that has documents in one of them: the others are looked
    /// at for names of the rows.
    pub fn beside_documents(
        path: &Path,
        layout: &Layout,
        text_column: &str,
        options: &LoadOptions,
    ) -> Result<Self> {
        let mut said = Self::said(path, layout, options)?;
        let text = layout.find(path, text_column)?;
        let first = match said.roles[text] {
            Role::Label => "--label-column",
            Role::Id => "--id-column",
            _ => {
                said.roles[text] = Role::Documents;
                return Ok(said);
            }
        };
        let column = text_column.to_owned();
        Err(Error::table(path, TableProblem::TwoRoles { column, first, second: "--text-column" }))
    }

    /// The columns that may be features.
    pub fn features(&self) -> impl Iterator<Item = usize> {
        let is_feature = |role: &Role| matches!(role, Role::Feature | Role::Category);
        self.roles.iter().enumerate().filter(move |(_, role)| is_feature(role)).map(|(i, _)| i)
    }

    /// The column of this role.
    pub fn one(&self, wanted: Role) -> Option<usize> {
        self.roles.iter().position(|role| *role == wanted)
    }

    /// What the first pass is to look for.
    pub fn looks(&self, names: &[String]) -> Vec<Look> {
        let look = |(i, role): (usize, &Role)| match role {
            Role::Feature => Look::AtValues { for_ids: !self.chosen && is_named_like_one(&names[i], i == 0) },
            Role::Category => Look::AtWords,
            Role::Label | Role::Id | Role::Documents | Role::Left => Look::Away,
        };
        self.roles.iter().enumerate().map(look).collect()
    }
}
